import { getServerSession } from "next-auth";
import { authOptions } from "../../lib/auth";

export default async function Server() {
  return <pre id="server">{JSON.stringify(await getServerSession(authOptions))}</pre>;
}
