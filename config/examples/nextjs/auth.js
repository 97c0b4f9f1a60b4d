import NextAuth from "next-auth";

// People sign in at the gateway: there is no provider here, and no app/api/auth. This only reads its session cookie.
export const { auth } = NextAuth({
  providers: [],
  trustHost: true,
  callbacks: {
    session({ session, token }) {
      session.user.id = token.sub;
      session.user.roles = token.roles ?? [];
      return session;
    },
    // Asked by middleware.js; a no sends the browser to /api/auth/signin, which is the gateway's.
    authorized: ({ auth }) => auth !== null,
  },
});
