import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";

import { sessionQuery, type Session } from "./queries/session";

/** The organization of the address. Only below /o/$org. */
export function useOrg(): string {
  const { org } = useParams({ strict: false });
  if (org === undefined) throw new Error("no organization in this address");
  return org;
}

/** Who is signed in. Only where the router has made sure of it. */
export function useSession(): Session {
  const { data } = useQuery(sessionQuery);
  if (data === null || data === undefined) throw new Error("nobody is signed in");
  return data;
}

/** What the caller may do here. The server decides; this only keeps controls away that it would refuse. */
export function useRights(): { operate: boolean; administer: boolean } {
  const org = useOrg();
  const { data } = useQuery(sessionQuery);
  const role = data?.memberships.find((membership) => membership.organization_id === org)?.role;
  return { operate: role === "org_admin" || role === "operator", administer: role === "org_admin" };
}
