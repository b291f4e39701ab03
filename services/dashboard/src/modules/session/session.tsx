import type { User } from "@fleet/sdk";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext } from "react";
import { Navigate, useLocation } from "react-router";
import { client } from "../../api/client.js";
import { type Permissions, permissionsQuery, sessionKey, sessionQuery } from "../../api/session.js";
import { ErrorNotice } from "../ui/notice.js";
import { useToasts } from "../ui/toast.js";
import { loginPath } from "./redirect.js";

const SessionContext = createContext<User | undefined>(undefined);

/** Renders its children for a signed-in user; otherwise redirects to the login page and back. */
export function RequireSession({ children }: { children: ReactNode }) {
  const session = useQuery(sessionQuery);
  const location = useLocation();
  if (session.isPending) return null;
  if (session.data === undefined) {
    return (
      <div className="mx-auto max-w-lg px-4 pt-[20vh]">
        <ErrorNotice error={session.error} onRetry={() => void session.refetch()} />
      </div>
    );
  }
  if (session.data === null) return <Navigate to={loginPath(location)} replace />;
  return <SessionContext value={session.data}>{children}</SessionContext>;
}

export function useUser(): User {
  const user = useContext(SessionContext);
  if (!user) throw new Error("useUser needs a RequireSession around it.");
  return user;
}

const NOTHING: Partial<Permissions> = {};

/** The user's permissions; empty until loaded. */
export function usePermissions(): Partial<Permissions> {
  return useQuery(permissionsQuery).data ?? NOTHING;
}

export function useSignOut(): () => Promise<void> {
  const queries = useQueryClient();
  const toasts = useToasts();
  return async () => {
    try {
      const { oidc_logout_url } = await client.logout();
      queries.setQueryData(sessionQuery.queryKey, null);
      // Remove this user's data before the next one signs in.
      queries.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== sessionKey[0] });
      if (oidc_logout_url) location.assign(oidc_logout_url);
    } catch (error) {
      toasts.failed(error);
    }
  };
}
