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
