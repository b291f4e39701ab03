{{/* Takes: root, component. */}}
{{- define "coder.name" -}}
{{- printf "%s-%s" (include "library.fullname" .root) .component -}}
{{- end -}}

{{- define "coder.accountName" -}}
{{- .Values.coder.serviceAccount.name | default (include "library.fullname" .) -}}
{{- end -}}

{{- define "coder.internalSecret" -}}
{{- printf "%s-internal" (include "library.fullname" .) -}}
{{- end -}}

{{- define "coder.pskEnv" -}}
{{- $own := empty .Values.provisionerDaemon.pskSecretName -}}
{{- include "library.secretEnv" (dict "name" "CODER_PROVISIONER_DAEMON_PSK" "key" "psk" "secret" (ternary (include "coder.internalSecret" .) .Values.provisionerDaemon.pskSecretName $own)) -}}
{{- end -}}

{{- define "coder.proxyTokenEnv" -}}
{{- $own := empty .Values.proxy.tokenSecretName -}}
{{- include "library.secretEnv" (dict "name" "CODER_PROXY_SESSION_TOKEN" "key" "token" "secret" (ternary (include "coder.internalSecret" .) .Values.proxy.tokenSecretName $own)) -}}
{{- end -}}

{{/* The default access URL if coder.env does not set it. */}}
{{- define "coder.accessUrl" -}}
{{- $ingress := .Values.coder.ingress -}}
{{- if and $ingress.enable $ingress.host -}}
{{- printf "%s://%s" (ternary "https" "http" $ingress.tls.enable) $ingress.host -}}
{{- else if .Values.coder.httproute.enable -}}
{{- printf "https://%s" .Values.coder.httproute.host -}}
{{- else if .Values.coder.envUseClusterAccessURL -}}
{{- printf "%s://%s.%s.svc.cluster.local" (ternary "https" "http" (not (empty .Values.coder.tls.secretNames))) (include "library.fullname" .) .Release.Namespace -}}
{{- end -}}
{{- end -}}

{{/* The default wildcard hostname if coder.env does not set it. */}}
{{- define "coder.wildcard" -}}
{{- .Values.coder.ingress.wildcardHost | default .Values.coder.httproute.wildcardHost -}}
{{- end -}}

{{- define "coder.coderd" -}}
{{- $name := include "coder.name" (dict "root" . "component" "coderd") -}}
{{- $reserved := list "CODER_HTTP_ADDRESS" "CODER_GRPC_ADDRESS" "CODER_PROMETHEUS_ADDRESS" "CODER_PROMETHEUS_ENABLE" "CODER_PROVISIONER_DAEMON_PSK" "CODER_PROXY_SESSION_TOKEN" -}}
{{- $env := include "library.env" (dict "own" (include "coder.coderdEnv" .) "values" .Values.coder "at" "coder" "reserved" $reserved) -}}
{{- $ports := dict "http" 8080 "grpc" 8081 "metrics" 2112 -}}
{{- include "library.deployment" (dict "root" . "component" "coderd" "name" $name "values" .Values.coder "env" $env "ports" $ports "grace" .Values.coder.terminationGracePeriodSeconds) -}}
{{- end -}}

{{- define "coder.coderdEnv" -}}
- name: CODER_HTTP_ADDRESS
  value: 0.0.0.0:8080
- name: CODER_GRPC_ADDRESS
  value: 0.0.0.0:8081
- name: CODER_PROMETHEUS_ENABLE
  value: "true"
- name: CODER_PROMETHEUS_ADDRESS
  value: 0.0.0.0:2112
- name: CODER_DRAIN_DELAY
  value: {{ printf "%ds" (int .Values.coder.drainDelaySeconds) }}
{{- with include "coder.accessUrl" . }}
- name: CODER_ACCESS_URL
  value: {{ . | quote }}
{{- end }}
{{- with include "coder.wildcard" . }}
- name: CODER_WILDCARD_ACCESS_URL
  value: {{ . | quote }}
{{- end }}
{{- with include "coder.storeEnv" (dict "root" . "store" "postgres" "name" "CODER_PG_CONNECTION_URL") }}
{{ . }}
{{- end }}
{{ include "coder.redisEnv" . }}
{{ include "coder.pskEnv" . }}
{{ include "coder.proxyTokenEnv" . }}
{{- end -}}

{{/* A store's URL from its secret, the operator's or the trial store's. Takes: root, store, name. */}}
{{- define "coder.storeEnv" -}}
{{- $of := index .root.Values .store -}}
{{- if (index .root.Values.trial .store).enable -}}
{{- include "library.secretEnv" (dict "name" .name "secret" (include "coder.trialSecret" .root) "key" (printf "%s-url" .store)) -}}
{{- else if $of.secretName -}}
{{- include "library.secretEnv" (dict "name" .name "secret" $of.secretName "key" $of.secretKey) -}}
{{- end -}}
{{- end -}}

{{- define "coder.trialSecret" -}}
{{- printf "%s-trial" (include "library.fullname" .) -}}
{{- end -}}

{{- define "coder.redisEnv" -}}
{{- with include "coder.storeEnv" (dict "root" . "store" "redis" "name" "CODER_REDIS_URL") }}
{{- . }}
{{ end -}}
- name: CODER_REDIS_PREFIX
  value: {{ .Values.redis.prefix | quote }}
{{- end -}}

{{- define "coder.provisionerd" -}}
{{- $v := .Values.provisionerd -}}
{{- $name := include "coder.name" (dict "root" . "component" "provisionerd") -}}
{{- $reserved := list "CODER_PROVISIONERD_CODERD_ADDRESS" "CODER_PROMETHEUS_ADDRESS" "CODER_PROMETHEUS_ENABLE" "CODER_PROVISIONER_DAEMON_PSK" "CODER_CACHE_DIRECTORY" -}}
{{- $env := include "library.env" (dict "own" (include "coder.provisionerdEnv" .) "values" $v "at" "provisionerd" "reserved" $reserved) -}}
{{- $cache := dict "name" "cache" "emptyDir" (dict "sizeLimit" $v.cache.sizeLimit) -}}
{{- $mount := dict "name" "cache" "mountPath" "/var/cache/coder" -}}
{{- include "library.deployment" (dict "root" . "component" "provisionerd" "name" $name "values" $v "env" $env "ports" (dict "metrics" 2112) "grace" $v.terminationGracePeriodSeconds "volumes" (list $cache) "mounts" (list $mount) "serviceAccount" (include "coder.accountName" .)) -}}
{{- end -}}

{{- define "coder.provisionerdEnv" -}}
- name: CODER_PROVISIONERD_CODERD_ADDRESS
  value: {{ include "coder.name" (dict "root" . "component" "coderd") }}:8081
- name: CODER_PROMETHEUS_ENABLE
  value: "true"
- name: CODER_PROMETHEUS_ADDRESS
  value: 0.0.0.0:2112
- name: CODER_CACHE_DIRECTORY
  value: /var/cache/coder
- name: CODER_PROVISIONER_DAEMON_NAME
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
- name: CODER_PROVISIONER_SLOTS
  value: {{ .Values.provisionerd.slots | quote }}
{{ include "library.workspaceNamespacesEnv" (dict "root" . "account" .Values.coder.serviceAccount) }}
{{- with include "library.tags" .Values.provisionerd.tags }}
- name: CODER_PROVISIONERD_TAGS
  value: {{ . | quote }}
{{- end }}
{{ include "coder.redisEnv" . }}
{{ include "coder.pskEnv" . }}
{{- end -}}

{{- define "coder.proxy" -}}
{{- $v := .Values.proxy -}}
{{- $name := include "coder.name" (dict "root" . "component" "proxy") -}}
{{- $reserved := list "CODER_HTTP_ADDRESS" "CODER_TLS_ADDRESS" "CODER_PROMETHEUS_ADDRESS" "CODER_PROXY_CODERD_URL" "CODER_PROXY_CODERD_ADDRESS" "CODER_PROXY_SESSION_TOKEN" "CODER_PROXY_RELAY_ADDRESS" "CODER_PROXY_SSH_ADDRESS" "CODER_PG_CONNECTION_URL" "CODER_REDIS_URL" -}}
{{- $env := include "library.env" (dict "own" (include "coder.proxyEnv" .) "values" $v "at" "proxy" "reserved" $reserved) -}}
{{- $ports := dict "http" 8080 "relay" 8082 "metrics" 2112 -}}
{{- if $v.ssh.enable -}}
{{- $_ := set $ports "ssh" 2222 -}}
{{- end -}}
{{- $volumes := list -}}
{{- $mounts := list -}}
{{- range .Values.coder.tls.secretNames -}}
{{- $_ := set $ports "https" 8443 -}}
{{- $volumes = append $volumes (dict "name" "tls" "secret" (dict "secretName" .)) -}}
{{- $mounts = append $mounts (dict "name" "tls" "mountPath" "/etc/coder/tls" "readOnly" true) -}}
{{- end -}}
{{- include "library.deployment" (dict "root" . "component" "proxy" "name" $name "values" $v "env" $env "ports" $ports "grace" (add $v.drainDelaySeconds $v.drainSeconds 15) "volumes" $volumes "mounts" $mounts) -}}
{{- end -}}

{{- define "coder.proxyEnv" -}}
{{- $coderd := include "coder.name" (dict "root" . "component" "coderd") -}}
- name: KUBE_POD_IP
  valueFrom:
    fieldRef:
      fieldPath: status.podIP
- name: CODER_HTTP_ADDRESS
  value: 0.0.0.0:8080
{{- if .Values.coder.tls.secretNames }}
- name: CODER_TLS_ENABLE
  value: "true"
- name: CODER_TLS_ADDRESS
  value: 0.0.0.0:8443
- name: CODER_TLS_CERT_FILE
  value: /etc/coder/tls/tls.crt
- name: CODER_TLS_KEY_FILE
  value: /etc/coder/tls/tls.key
{{- end }}
- name: CODER_PROMETHEUS_ADDRESS
  value: 0.0.0.0:2112
- name: CODER_PROXY_CODERD_URL
  value: {{ .Values.proxy.primary.url | default (printf "http://%s:8080" $coderd) | quote }}
- name: CODER_PROXY_CODERD_ADDRESS
  value: {{ .Values.proxy.primary.grpcAddress | default (printf "%s:8081" $coderd) | quote }}
- name: CODER_PROXY_RELAY_ADDRESS
  value: 0.0.0.0:8082
# In brackets, which are valid for IPv4 and IPv6 addresses.
- name: CODER_PROXY_RELAY_ADVERTISE_ADDRESS
  value: "[$(KUBE_POD_IP)]:8082"
{{- if .Values.proxy.ssh.enable }}
- name: CODER_PROXY_SSH_ADDRESS
  value: 0.0.0.0:2222
- name: CODER_PROXY_SSH_ADVERTISE_ADDRESS
  value: {{ .Values.proxy.ssh.advertiseAddress | quote }}
- name: CODER_PROXY_SSH_SESSIONS
  value: {{ .Values.proxy.ssh.sessions | quote }}
{{- end }}
- name: CODER_DRAIN_DELAY
  value: {{ printf "%ds" (int .Values.proxy.drainDelaySeconds) }}
- name: CODER_PROXY_DRAIN_TIMEOUT
  value: {{ printf "%ds" (int .Values.proxy.drainSeconds) }}
{{- if .Values.coder.workspaceProxy }}
{{- with include "coder.accessUrl" . }}
- name: CODER_ACCESS_URL
  value: {{ . | quote }}
{{- end }}
{{- with include "coder.wildcard" . }}
- name: CODER_WILDCARD_ACCESS_URL
  value: {{ . | quote }}
{{- end }}
{{- end }}
{{ include "coder.proxyTokenEnv" . }}
{{- end -}}
