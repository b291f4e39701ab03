import type { ExternalAuth, ExternalAuthDevice } from "@fleet/sdk";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { CircleCheck, ExternalLink } from "lucide-react";
import { useParams, useSearchParams } from "react-router";
import { client } from "../api/client.js";
import { readError } from "../api/errors.js";
import { deviceQuery, providerQuery } from "../api/external-auth.js";
import { Icon } from "../modules/icons/icon.js";
import { safeHref } from "../modules/markdown/safe-href.js";
import { Gate } from "../modules/shell/gate.js";
import { Button } from "../modules/ui/button.js";
import { CopyLine } from "../modules/ui/copy.js";
import { Loaded } from "../modules/ui/loaded.js";
import { ErrorNotice, Notice } from "../modules/ui/notice.js";
import { useTitle } from "../modules/ui/page.js";

/** `/external-auth/:provider`: where users sign in to a service whose tokens workspaces use. */
export function ExternalAuthPage() {
  const { provider = "" } = useParams();
  const [query] = useSearchParams();
  const auth = useQuery(providerQuery(provider));
  const name = auth.data?.display_name ?? provider;
  useTitle(name);
  const failed = query.get("error");
  return (
    <Gate title={name} lead={`Your workspaces use ${name} on your behalf.`}>
      {failed && !auth.data?.authenticated && (
        <Notice tone="bad" title="The sign-in failed">
          {failed}
        </Notice>
      )}
      <Loaded query={auth}>
        {(data) =>
          data.authenticated ? (
            <SignedIn provider={provider} auth={data} />
          ) : data.device ? (
            <DeviceSignIn provider={provider} name={name} />
          ) : (
            <Button look="primary" asChild>
              <a href={callbackPath(provider)}>Sign in with {name}</a>
            </Button>
          )
        }
      </Loaded>
    </Gate>
  );
}

/** Sends the browser to the provider, which sends it back here. */
function callbackPath(provider: string): string {
  const here = `/external-auth/${encodeURIComponent(provider)}`;
  return `${here}/callback?redirect=${encodeURIComponent(here)}`;
}

function SignedIn({ provider, auth }: { provider: string; auth: ExternalAuth }) {
  const queries = useQueryClient();
  const signOut = useMutation({
    mutationFn: () => client.externalAuthDelete({ params: { provider } }),
    onSettled: () => queries.invalidateQueries({ queryKey: providerQuery(provider).queryKey }),
  });
  const install = safeHref(auth.app_install_url);
  return (
    <div className="flex flex-col gap-4">
      <p className="flex items-center gap-2 text-ok">
        <CircleCheck className="size-4 shrink-0" aria-hidden />
        {auth.user ? `You are signed in as ${auth.user.login}.` : "You are signed in."}
      </p>
      <p className="text-muted text-sm">You can close this page and return to your workspace.</p>
      {auth.app_installable && (
        <ul aria-label="Installations" className="flex flex-col gap-1.5 text-sm">
          {auth.installations.map(({ id, account, configure_url }) => (
            <li key={id} className="flex items-center gap-2">
              <Icon url={account.avatar_url} hints={["user"]} />
              <a href={safeHref(configure_url) ?? "#"} target="_blank" rel="noreferrer">
                {account.login}
              </a>
            </li>
          ))}
          {auth.installations.length === 0 && <li className="text-muted">The app is not installed yet.</li>}
        </ul>
      )}
      {install && (
        <a href={install} target="_blank" rel="noreferrer" className="flex items-center gap-1.5 text-sm">
          Install the app <ExternalLink className="size-3.5" aria-hidden />
        </a>
      )}
      {signOut.error && <ErrorNotice error={signOut.error} />}
      <Button pending={signOut.isPending} onClick={() => signOut.mutate()}>
        Sign out of {auth.display_name}
      </Button>
    </div>
  );
}

function DeviceSignIn({ provider, name }: { provider: string; name: string }) {
  const device = useQuery(deviceQuery(provider));
  return (
    <Loaded query={device}>{(code) => <EnterCode provider={provider} name={name} device={code} />}</Loaded>
  );
}

/** What the provider answers while the user has not entered the code. */
const PENDING = new Set(["authorization_pending", "slow_down"]);

function EnterCode(props: { provider: string; name: string; device: ExternalAuthDevice }) {
  const { provider, name, device } = props;
  const queries = useQueryClient();
  const exchange = useQuery({
    queryKey: ["external-auth-exchange", provider, device.device_code],
    queryFn: async ({ signal }) => {
      try {
        const body = { device_code: device.device_code };
        await client.externalAuthDeviceExchange({ params: { provider }, body, signal });
      } catch (error) {
        if (PENDING.has(readError(error).detail ?? "")) return false;
        throw error;
      }
      await queries.invalidateQueries({ queryKey: providerQuery(provider).queryKey });
      return true;
    },
    retry: false,
    gcTime: 0,
    refetchInterval: ({ state }) =>
      state.data === true || state.error ? false : Math.max(device.interval, 1) * 1_000,
  });
  return (
    <div className="flex flex-col gap-3">
      <p>Enter this code at {name}:</p>
      <CopyLine text={device.user_code} />
      <Button look="primary" asChild>
        <a href={safeHref(device.verification_uri) ?? "#"} target="_blank" rel="noreferrer">
          Open {name}
        </a>
      </Button>
      {exchange.error ? (
        <ErrorNotice error={exchange.error} />
      ) : (
        <p role="status" className="text-muted text-sm">
          Waiting for you to enter the code…
        </p>
      )}
    </div>
  );
}
