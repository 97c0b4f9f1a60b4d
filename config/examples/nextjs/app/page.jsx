"use client";

import { signIn, signOut, useSession } from "next-auth/react";

export default function Home() {
  const { data, status } = useSession();
  if (status === "loading") return <p>One moment …</p>;
  if (status === "unauthenticated") {
    return (
      <main>
        <h1>You are not signed in</h1>
        <button onClick={() => signIn()}>Sign in</button>
      </main>
    );
  }
  return (
    <main>
      <h1>Hello, {data.user.name}</h1>
      <p>
        <a href="/account">Your account</a>
      </p>
      <button onClick={() => signOut()}>Sign out</button>
    </main>
  );
}
