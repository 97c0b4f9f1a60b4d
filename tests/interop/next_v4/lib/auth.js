// People sign in at the gateway: there is no provider here, and no route below /api/auth.
export const authOptions = {
  providers: [],
  session: { strategy: "jwt" },
  callbacks: {
    session({ session, token }) {
      session.user.id = token.sub;
      session.user.roles = token.roles ?? [];
      return session;
    },
  },
};
