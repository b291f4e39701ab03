import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { Link, useSearchParams } from "react-router";
import { client } from "../api/client.js";
import { isFleetError } from "../api/errors.js";
import { destinationOf } from "../modules/session/redirect.js";
import { Gate } from "../modules/shell/gate.js";
import { Button } from "../modules/ui/button.js";
import { CopyLine } from "../modules/ui/copy.js";
import { Loaded } from "../modules/ui/loaded.js";
import { Notice } from "../modules/ui/notice.js";
import { Skeleton, useTitle } from "../modules/ui/page.js";

/** Answers of the poll for which the user has not decided yet. */
const PENDING = ["authorization_pending", "slow_down"];
/** Added to the interval between polls: GitHub counts strictly. */
const MARGIN_MS = 1_000;

/** `/login/device`: signs in to GitHub with a code that the user enters there. */
export function LoginDevicePage() {
  useTitle("Sign in with GitHub");
  const [search] = useSearchParams();
  const state = search.get("state") ?? "";
  const device = useQuery({
    queryKey: ["github-device", state],
    queryFn: ({ signal }) => client.githubDevice({ signal }),
    staleTime: "static",
    gcTime: 0,
    retry: false,
  });
  const code = device.data?.device_code ?? "";
  const intervalMs = (device.data?.interval ?? 5) * 1_000 + MARGIN_MS;
  const poll = useQuery({
    queryKey: ["github-device-poll", code],
    enabled: code !== "",
    queryFn: async ({ signal }) => {
      try {
        return await client.githubCallback({ query: { code, state }, signal });
      } catch (error) {
        if (isFleetError(error) && PENDING.includes(error.detail ?? "")) return null;
        throw error;
      }
    },
    refetchInterval: ({ state: { data, status } }) => (data || status === "error" ? false : intervalMs),
    gcTime: 0,
    retry: false,
  });
  const signedIn = Boolean(poll.data);
  useEffect(() => {
    if (signedIn) location.replace(destinationOf(search.get("redirect"), location.origin).path);
  }, [signedIn, search]);

  return (
    <Gate
      title="Sign in with GitHub"
      lead="Enter this code on GitHub. This page continues when you have allowed the sign-in."
      foot={
        <Link to="/login" className="rounded hover:text-ink hover:underline">
          Back to the sign-in page
        </Link>
      }
    >
      <Loaded query={device} skeleton={<Skeleton className="h-9 w-full" />}>
        {({ user_code, verification_uri }) => (
          <div className="flex flex-col gap-3">
            <CopyLine text={user_code} />
            <Button asChild look="primary">
              <a href={verification_uri} target="_blank" rel="noreferrer">
                Open GitHub
              </a>
            </Button>
            {poll.error && <Notice tone="bad">{poll.error.message}</Notice>}
          </div>
        )}
      </Loaded>
    </Gate>
  );
}
