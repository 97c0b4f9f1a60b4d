import { auth } from "../../auth";

export default async function Account() {
  const { user } = await auth(); // middleware.js lets nobody get here without a session
  return (
    <main>
      <h1>Account of {user.name}</h1>
      <p>
        You are {user.id}; your roles: {user.roles.join(", ") || "none"}.
      </p>
    </main>
  );
}
