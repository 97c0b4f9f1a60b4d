import { onSession, signIn, signOut } from "/api/auth/client.js";

const at = (id) => document.getElementById(id);
const form = at("sign-in");

onSession((session) => {
  at("who").textContent = session ? `Hello, ${session.user.name}.` : "You are not signed in.";
  form.hidden = session !== null;
  at("inside").hidden = session === null;
});

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  at("problem").textContent = "";
  try {
    const result = await signIn("credentials", Object.fromEntries(new FormData(form)), { redirect: false });
    if (result.ok) form.reset();
    else at("problem").textContent = result.message;
  } catch (error) {
    at("problem").textContent = error.message; // no answer: nothing is known
  }
});

at("sign-out").addEventListener("click", () => signOut({ redirect: false }));
