{{/* What cannot work is refused here, in a sentence that says what to do. */}}
{{- define "coder.checks" -}}
{{- include "coder.checkAddresses" . -}}
{{- if .Values.coder.workspaceProxy -}}
{{- include "coder.checkRegional" . -}}
{{- else -}}
{{- include "coder.checkStores" . -}}
{{- include "coder.checkKeda" . -}}
{{- end -}}
{{- include "coder.checkSecrets" . -}}
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
{{- fail (printf "provisionerd.env sets %s, which KEDA's trigger has to know. Write it as provisionerd.%s." $name $instead) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "coder.checkStores" -}}
{{- $env := dict "env" .Values.coder.env -}}
{{- range $store := list "postgres" "redis" -}}
{{- if and (index $.Values.trial $store).enable (index $.Values $store).secretName -}}
{{- fail (printf "trial.%s.enable and %s.secretName name two stores. Empty the one or turn off the other." $store $store) -}}
{{- end -}}
{{- end -}}
{{- if and (not .Values.trial.postgres.enable) (not .Values.postgres.secretName) (not .Values.coder.envFrom) (not (include "library.hasEnv" (merge (dict "name" "CODER_PG_CONNECTION_URL") $env))) -}}
{{- fail "postgres.secretName is empty. Make a secret that holds the URL (kubectl create secret generic coder-postgres --from-literal=url=postgres://user:password@host/database), and set postgres.secretName=coder-postgres. To try it out, trial.postgres.enable=true brings a small one." -}}
{{- end -}}
{{- if not (or .Values.trial.redis.enable .Values.redis.secretName) -}}
{{- range $at, $part := dict "coder" .Values.coder "provisionerd" .Values.provisionerd -}}
{{- if and (not $part.envFrom) (not (include "library.hasEnv" (dict "name" "CODER_REDIS_URL" "env" $part.env))) -}}
{{- fail (printf "redis.secretName is empty, and %s.env does not set CODER_REDIS_URL. Make a secret that holds the URL (kubectl create secret generic coder-redis --from-literal=url=redis://host:6379), and set redis.secretName=coder-redis." $at) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "coder.checkRegional" -}}
{{- $proxy := .Values.proxy -}}
{{- if or (not $proxy.primary.url) (not $proxy.primary.grpcAddress) -}}
{{- fail "coder.workspaceProxy makes this release a regional proxy: set proxy.primary.url and proxy.primary.grpcAddress to where it reaches the deployment, like https://coder.example.com and coder-coderd.coder.svc.cluster.local:8081." -}}
{{- end -}}
{{- if not $proxy.tokenSecretName -}}
{{- fail "A regional proxy proves itself by a token: run `coder wsproxy create`, keep the token in a secret under the key `token`, and set proxy.tokenSecretName to its name." -}}
{{- end -}}
{{- end -}}

{{- define "coder.checkAddresses" -}}
{{- $ingress := .Values.coder.ingress -}}
{{- if and $ingress.enable (not $ingress.host) -}}
{{- fail "coder.ingress.enable needs coder.ingress.host: the name that users type, like coder.example.com." -}}
{{- end -}}
{{- $route := .Values.coder.httproute -}}
{{- if and $route.enable (or (not $route.host) (not $route.parentRefs)) -}}
{{- fail "coder.httproute.enable needs coder.httproute.host, the name that users type, and coder.httproute.parentRefs, the gateway that serves it: [{name: gateway, namespace: gateways}]." -}}
{{- end -}}
{{- range $at, $host := dict "ingress" $ingress.wildcardHost "httproute" $route.wildcardHost -}}
{{- if and $host (not (hasPrefix "*" $host)) -}}
{{- fail (printf "coder.%s.wildcardHost is %q, which covers one host only. Begin it with a star, like *.%s." $at $host $host) -}}
{{- end -}}
{{- end -}}
{{- with $ingress.wildcardHost -}}
{{- if and $ingress.enable $ingress.tls.enable (not $ingress.tls.wildcardSecretName) (not $ingress.tls.issuer.name) -}}
{{- fail (printf "coder.ingress.tls.wildcardSecretName is empty, so %s would have no certificate. Name a secret with a certificate for it; it may be the same as tls.secretName where that one covers both. Or name a cert-manager issuer as coder.ingress.tls.issuer.name." .) -}}
{{- end -}}
{{- end -}}
{{- if and $ingress.tls.issuer.name (not $ingress.tls.enable) -}}
{{- fail "coder.ingress.tls.issuer would make a certificate that nothing serves. Set coder.ingress.tls.enable=true." -}}
{{- end -}}
{{- if and $ingress.enable $ingress.tls.enable (not $ingress.tls.secretName) (not $ingress.tls.issuer.name) -}}
{{- fail (printf "coder.ingress.tls.secretName is empty. Name a secret of the type kubernetes.io/tls with a certificate for %s, or the cert-manager issuer that makes one as coder.ingress.tls.issuer.name." $ingress.host) -}}
{{- end -}}
{{- if gt (len .Values.coder.tls.secretNames) 1 -}}
{{- fail "coder.tls.secretNames names several secrets, and the proxy serves one certificate. Name one whose certificate covers every host, the wildcard's included." -}}
{{- end -}}
{{- if and (not .Values.coder.workspaceProxy) (not (include "coder.accessUrl" .)) (not .Values.coder.envFrom) (not (include "library.hasEnv" (dict "name" "CODER_ACCESS_URL" "env" .Values.coder.env))) -}}
{{- fail "Nothing says where users reach the deployment. Set CODER_ACCESS_URL in coder.env, or coder.ingress.host, or coder.envUseClusterAccessURL=true for the address inside the cluster." -}}
{{- end -}}
{{- end -}}
