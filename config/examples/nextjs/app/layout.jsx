import { Session } from "./session";

export const metadata = { title: "Next.js behind the gateway" };

export default function Layout({ children }) {
  return (
    <html lang="en">
      <body>
        <Session>{children}</Session>
      </body>
    </html>
  );
}
