{{/* Rejects invalid values with an error that says how to fix them. */}}
{{- define "coder.checks" -}}
{{- include "coder.checkAddresses" . -}}
{{- if .Values.coder.workspaceProxy -}}
{{- include "coder.checkRegional" . -}}
{{- else -}}
{{- include "coder.checkStores" . -}}
{{- include "coder.checkKeda" . -}}
{{- end -}}
{{- include "coder.checkSecrets" . -}}
{{- if and .Values.proxy.ssh.enable (not .Values.proxy.ssh.advertiseAddress) -}}
{{- fail "proxy.ssh.enable requires proxy.ssh.advertiseAddress, which clients connect to, for example ssh.coder.example.com:22." -}}
{{- end -}}
{{- end -}}

{{- define "coder.checkSecrets" -}}
{{- $v := .Values -}}
{{- $wanted := list (dict "at" "proxy.tokenSecretName" "name" $v.proxy.tokenSecretName "key" "token") -}}
{{- range $v.coder.tls.secretNames -}}
{{- $wanted = append $wanted (dict "at" "coder.tls.secretNames" "name" . "key" "tls.crt") -}}
{{- end -}}
{{- if not $v.coder.workspaceProxy -}}
{{- $wanted = append $wanted (dict "at" "provisionerDaemon.pskSecretName" "name" $v.provisionerDaemon.pskSecretName "key" "psk") -}}
{{- range $store := list "postgres" "redis" -}}
{{- $of := index $v $store -}}
{{- $wanted = append $wanted (dict "at" (printf "%s.secretName" $store) "name" $of.secretName "key" $of.secretKey) -}}
{{- end -}}
{{- end -}}
{{- include "library.requireSecrets" (dict "root" . "secrets" $wanted) -}}
{{- end -}}

{{- define "coder.checkKeda" -}}
{{- $v := .Values.provisionerd -}}
{{- if $v.keda.enable -}}
{{- range $name, $instead := dict "CODER_PROVISIONERD_TAGS" "tags" "CODER_PROVISIONER_SLOTS" "slots" -}}
{{- if include "library.hasEnv" (dict "name" $name "env" $v.env) -}}
{{- fail (printf "provisionerd.env sets %s, which the KEDA trigger needs. Set provisionerd.%s instead." $name $instead) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "coder.checkStores" -}}
{{- $env := dict "env" .Values.coder.env -}}
{{- range $store := list "postgres" "redis" -}}
{{- if and (index $.Values.trial $store).enable (index $.Values $store).secretName -}}
{{- fail (printf "trial.%s.enable and %s.secretName are mutually exclusive. Unset one of them." $store $store) -}}
{{- end -}}
{{- end -}}
{{- if and (not .Values.trial.postgres.enable) (not .Values.postgres.secretName) (not .Values.coder.envFrom) (not (include "library.hasEnv" (merge (dict "name" "CODER_PG_CONNECTION_URL") $env))) -}}
{{- fail "postgres.secretName is required. Create a secret with the URL (kubectl create secret generic coder-postgres --from-literal=url=postgres://user:password@host/database), and set postgres.secretName=coder-postgres. To try out the chart, set trial.postgres.enable=true." -}}
{{- end -}}
{{- if not (or .Values.trial.redis.enable .Values.redis.secretName) -}}
{{- range $at, $part := dict "coder" .Values.coder "provisionerd" .Values.provisionerd -}}
{{- if and (not $part.envFrom) (not (include "library.hasEnv" (dict "name" "CODER_REDIS_URL" "env" $part.env))) -}}
{{- fail (printf "redis.secretName is required, because %s.env does not set CODER_REDIS_URL. Create a secret with the URL (kubectl create secret generic coder-redis --from-literal=url=redis://host:6379), and set redis.secretName=coder-redis." $at) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "coder.checkRegional" -}}
{{- $proxy := .Values.proxy -}}
{{- if or (not $proxy.primary.url) (not $proxy.primary.grpcAddress) -}}
{{- fail "coder.workspaceProxy requires the addresses of the deployment: set proxy.primary.url and proxy.primary.grpcAddress, for example https://coder.example.com and coder-coderd.coder.svc.cluster.local:8081." -}}
{{- end -}}
{{- if not $proxy.tokenSecretName -}}
{{- fail "A regional proxy requires a token: run `coder wsproxy create`, store the token in a secret with the key `token`, and set proxy.tokenSecretName." -}}
{{- end -}}
{{- end -}}

{{- define "coder.checkAddresses" -}}
{{- $ingress := .Values.coder.ingress -}}
{{- if and $ingress.enable (not $ingress.host) -}}
{{- fail "coder.ingress.enable requires coder.ingress.host, for example coder.example.com." -}}
{{- end -}}
{{- $route := .Values.coder.httproute -}}
{{- if and $route.enable (or (not $route.host) (not $route.parentRefs)) -}}
{{- fail "coder.httproute.enable requires coder.httproute.host, for example coder.example.com, and coder.httproute.parentRefs, for example [{name: gateway, namespace: gateways}]." -}}
{{- end -}}
{{- range $at, $host := dict "ingress" $ingress.wildcardHost "httproute" $route.wildcardHost -}}
{{- if and $host (not (hasPrefix "*" $host)) -}}
{{- fail (printf "coder.%s.wildcardHost is %q, which is not a wildcard hostname. Example: *.%s." $at $host $host) -}}
{{- end -}}
{{- end -}}
{{- with $ingress.wildcardHost -}}
{{- if and $ingress.enable $ingress.tls.enable (not $ingress.tls.wildcardSecretName) (not $ingress.tls.issuer.name) -}}
{{- fail (printf "coder.ingress.tls.wildcardSecretName is required: %s has no certificate. Set it to a secret with a certificate for that host (tls.secretName if its certificate covers both), or set coder.ingress.tls.issuer.name to a cert-manager issuer." .) -}}
{{- end -}}
{{- end -}}
{{- if and $ingress.tls.issuer.name (not $ingress.tls.enable) -}}
{{- fail "coder.ingress.tls.issuer requires coder.ingress.tls.enable=true." -}}
{{- end -}}
{{- if and $ingress.enable $ingress.tls.enable (not $ingress.tls.secretName) (not $ingress.tls.issuer.name) -}}
{{- fail (printf "coder.ingress.tls.secretName is required. Set it to a secret of type kubernetes.io/tls with a certificate for %s, or set coder.ingress.tls.issuer.name to a cert-manager issuer." $ingress.host) -}}
{{- end -}}
{{- if gt (len .Values.coder.tls.secretNames) 1 -}}
{{- fail "coder.tls.secretNames must contain one secret, because the proxy serves one certificate. Use a certificate that covers all hosts, including the wildcard." -}}
{{- end -}}
{{- if and (not .Values.coder.workspaceProxy) (not (include "coder.accessUrl" .)) (not .Values.coder.envFrom) (not (include "library.hasEnv" (dict "name" "CODER_ACCESS_URL" "env" .Values.coder.env))) -}}
{{- fail "The access URL is required. Set CODER_ACCESS_URL in coder.env, coder.ingress.host, or coder.envUseClusterAccessURL=true to use the cluster address." -}}
{{- end -}}
{{- end -}}
