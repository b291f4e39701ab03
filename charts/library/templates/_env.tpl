{{/*
The environment of a container, as a YAML list: the chart's own, without what the operator sets, then the operator's.
One name stands once, for the API server refuses a list with two. Takes: own (YAML list), values (the component's), at
(where they are written), and reserved (names that only the chart may set).
*/}}
{{- define "library.env" -}}
{{- $names := dict -}}
{{- range .values.env -}}
{{- if has .name ($.reserved | default list) -}}
{{- fail (printf "%s.env must not set %s, because the chart sets it. Remove it." $.at .name) -}}
{{- end -}}
{{- if hasKey $names .name -}}
{{- fail (printf "%s.env sets %s twice. Remove one of them." $.at .name) -}}
{{- end -}}
{{- $_ := set $names .name true -}}
{{- end -}}
{{- $own := fromYamlArray .own -}}
{{- if dig "certs" "secrets" list .values -}}
{{- /* Terraform reads this folder by default; Node needs a variable. */ -}}
{{- $own = append $own (dict "name" "NODE_OPTIONS" "value" "--use-system-ca") -}}
{{- $own = append $own (dict "name" "SSL_CERT_DIR" "value" "/etc/ssl/certs") -}}
{{- end -}}
{{- $list := list -}}
{{- range $own -}}
{{- if not (hasKey $names .name) -}}{{- $list = append $list . -}}{{- end -}}
{{- end -}}
{{- toYaml (concat $list (.values.env | default list)) -}}
{{- end -}}

{{/* "true" when a list of variables has this name. Takes: env, name. */}}
{{- define "library.hasEnv" -}}
{{- range .env -}}{{- if eq .name $.name -}}true{{- end -}}{{- end -}}
{{- end -}}

{{/* A variable from a secret. Takes: name, secret, key. */}}
{{- define "library.secretEnv" -}}
- name: {{ .name }}
  valueFrom:
    secretKeyRef:
      name: {{ .secret | quote }}
      key: {{ .key | quote }}
{{- end -}}

{{/* Tags as daemons read them: key=value, separated by commas. */}}
{{- define "library.tags" -}}
{{- $pairs := list -}}
{{- range $key, $value := . -}}
{{- $pairs = append $pairs (printf "%s=%v" $key $value) -}}
{{- end -}}
{{- join "," $pairs -}}
{{- end -}}

{{/*
Fails if a required secret does not exist. Only checked with cluster access, so not by `helm template`. Takes: root, secrets (list of name, key, at: the value that names it).
*/}}
{{- define "library.requireSecrets" -}}
{{- $root := .root -}}
{{- $listed := lookup "v1" "Secret" $root.Release.Namespace "" -}}
{{- if $listed -}}
{{- $there := dict -}}
{{- range $listed.items -}}{{- $_ := set $there .metadata.name (.data | default dict) -}}{{- end -}}
{{- $own := toYaml $root.Values.extraTemplates -}}
{{- range .secrets -}}
{{- if and .name (not (hasKey (get $there .name | default dict) .key)) (not (contains .name $own)) -}}
{{- fail (printf "%s: the secret %q does not exist in the namespace %s, or has no key %q. Create it, or set another name: kubectl --namespace %s create secret generic %s --from-literal=%s=..." .at .name $root.Release.Namespace .key $root.Release.Namespace .name .key) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
