"use client";

import { useSession } from "next-auth/react";

export default function Required() {
  const { data, status } = useSession({ required: true });
  return <p id="status">{status === "loading" ? status : `for ${data.user.name}`}</p>;
}
