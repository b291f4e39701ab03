{{/*
The environment of a container, as a YAML list: the chart's own, without what the operator sets, then the operator's.
One name stands once, for the API server refuses a list with two. Takes: own (YAML list), values (the component's), at
(where they are written), and reserved (names that only the chart may set).
*/}}
{{- define "library.env" -}}
{{- $names := dict -}}
{{- range .values.env -}}
{{- if has .name ($.reserved | default list) -}}
{{- fail (printf "%s.env sets %s, which the chart sets itself. Take it out of there." $.at .name) -}}
{{- end -}}
{{- if hasKey $names .name -}}
{{- fail (printf "%s.env sets %s twice. Keep one of the two." $.at .name) -}}
{{- end -}}
{{- $_ := set $names .name true -}}
{{- end -}}
{{- $own := fromYamlArray .own -}}
{{- if dig "certs" "secrets" list .values -}}
{{- /* terraform reads this folder by itself; Node wants to be told. */ -}}
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

{{/* One variable out of a secret. Takes: name, secret, key. */}}
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
Refuses a release whose pods would wait for a secret that nobody made. Helm that talks to a cluster sees what is there;
`helm template` sees nothing, and asks for nothing. Takes: root, secrets (list of name, key, at: the value that names it).
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
{{- fail (printf "%s names the secret %q, and the namespace %s has none of this name with the key %q. Make it, or name another: kubectl --namespace %s create secret generic %s --from-literal=%s=..." .at .name $root.Release.Namespace .key $root.Release.Namespace .name .key) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
