"use client";

import { getSession, signIn, signOut, useSession } from "next-auth/react";
import { useEffect, useState } from "react";

// Everything that next-auth/react offers, one button each. Both versions of it run this very file.
export default function Lab() {
  const { data, status, update } = useSession();
  const [result, setResult] = useState();
  const show = (promise) => promise.then(setResult, (error) => setResult({ thrown: String(error) }));
  const fields = (form) => Object.fromEntries(new FormData(form));

  useEffect(() => {
    window.lab = { getSession, signIn, signOut, update };
  });

  return (
    <main>
      <p id="status">{status}</p>
      <pre id="session">{JSON.stringify(data)}</pre>
      <pre id="result">{JSON.stringify(result)}</pre>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const form = fields(event.currentTarget);
          if (event.nativeEvent.submitter.name === "stay") show(signIn("credentials", { ...form, redirect: false }));
          else show(signIn("credentials", { ...form, callbackUrl: "/server?from=lab" }));
        }}
      >
        <input name="username" aria-label="Name" />
        <input name="password" aria-label="Word" type="password" />
        <button name="stay">Stay</button>
        <button name="go">Go</button>
      </form>
      <button onClick={() => signIn()}>Elsewhere</button>
      <button onClick={() => show(update({ name: "Augusta" }))}>Rename</button>
      <button onClick={() => show(signOut({ redirect: false }))}>Leave</button>
      <button onClick={() => signOut({ callbackUrl: "/lab?left" })}>Leave and go</button>
    </main>
  );
}
