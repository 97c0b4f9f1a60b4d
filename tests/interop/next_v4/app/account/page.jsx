import { getServerSession } from "next-auth";
import { authOptions } from "../../lib/auth";

export default async function Account() {
  const { user } = await getServerSession(authOptions);
  return <h1>Account of {user.name}</h1>;
}
