{{- define "provisioner.env" -}}
{{- $daemon := .Values.provisionerDaemon -}}
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
  value: {{ $daemon.slots | quote }}
{{ include "library.workspaceNamespacesEnv" (dict "root" . "account" .Values.coder.serviceAccount) }}
{{- with include "library.tags" $daemon.tags }}
- name: CODER_PROVISIONERD_TAGS
  value: {{ . | quote }}
{{- end }}
{{- with $daemon.organization }}
- name: CODER_ORGANIZATION
  value: {{ . | quote }}
{{- end }}
{{ if $daemon.keySecretName -}}
{{ include "library.secretEnv" (dict "name" "CODER_PROVISIONER_DAEMON_KEY" "secret" $daemon.keySecretName "key" $daemon.keySecretKey) }}
{{- else -}}
{{ include "library.secretEnv" (dict "name" "CODER_PROVISIONER_DAEMON_PSK" "secret" $daemon.pskSecretName "key" "psk") }}
{{- end -}}
{{- end -}}

{{/* Rejects invalid values with an error that says how to fix them. */}}
{{- define "provisioner.checks" -}}
{{- $daemon := .Values.provisionerDaemon -}}
{{- if and $daemon.pskSecretName $daemon.keySecretName -}}
{{- fail "provisionerDaemon.pskSecretName and provisionerDaemon.keySecretName are mutually exclusive. Unset one of them." -}}
{{- end -}}
{{- if not (or $daemon.pskSecretName $daemon.keySecretName) -}}
{{- fail "A credential is required. Run `coder provisioner keys create`, store the key in a secret with the key `key`, and set provisionerDaemon.keySecretName." -}}
{{- end -}}
{{- if and $daemon.keySecretName $daemon.tags -}}
{{- fail "provisionerDaemon.tags cannot be combined with a provisioner key, which has its own tags. Remove the tags, or create a key with them (coder provisioner keys create --tag)." -}}
{{- end -}}
{{- if and (not .Values.coder.envFrom) (not (include "library.hasEnv" (dict "name" "CODER_URL" "env" .Values.coder.env))) -}}
{{- fail "coder.env must set CODER_URL to the deployment's URL. Add {name: CODER_URL, value: https://coder.example.com}." -}}
{{- end -}}
{{- $psk := dict "at" "provisionerDaemon.pskSecretName" "name" $daemon.pskSecretName "key" "psk" -}}
{{- $key := dict "at" "provisionerDaemon.keySecretName" "name" $daemon.keySecretName "key" $daemon.keySecretKey -}}
{{- include "library.requireSecrets" (dict "root" . "secrets" (list $psk $key)) -}}
{{- end -}}
