{{/*
Scales provisionerd by jobs. coderd counts them in Postgres, so flushing Redis does not affect scaling. Running jobs count
too, so that replicas are removed only when there are fewer jobs than slots.
*/}}
{{- define "coder.scaledObject" -}}
{{- $keda := .Values.provisionerd.keda -}}
{{- if $keda.enable -}}
{{- if .Values.provisionerd.autoscaling.enable -}}
{{- fail "provisionerd.autoscaling and provisionerd.keda are mutually exclusive. Disable autoscaling if KEDA is in the cluster, because CPU usage does not reflect the queue." -}}
{{- end -}}
{{- if lt (int $keda.maxReplicas) (int $keda.minReplicas) -}}
{{- fail (printf "provisionerd.keda: maxReplicas (%d) must not be less than minReplicas (%d)." (int $keda.maxReplicas) (int $keda.minReplicas)) -}}
{{- end -}}
{{- $name := include "coder.name" (dict "root" . "component" "provisionerd") -}}
{{- /* The full set of tags, as registered with coderd. */ -}}
{{- $tags := include "library.tags" (merge (dict) .Values.provisionerd.tags (dict "scope" "organization" "owner" "")) -}}
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  name: {{ $name }}
  namespace: {{ .Release.Namespace }}
  labels: {{- include "library.labels" (dict "root" . "component" "provisionerd") | nindent 4 }}
spec:
  scaleTargetRef:
    name: {{ $name }}
  minReplicaCount: {{ $keda.minReplicas }}
  maxReplicaCount: {{ $keda.maxReplicas }}
  pollingInterval: {{ $keda.pollingInterval }}
  {{- with $keda.behavior }}
  advanced:
    horizontalPodAutoscalerConfig:
      behavior: {{- toYaml . | nindent 8 }}
  {{- end }}
  triggers:
    - type: metrics-api
      metadata:
        url: {{ printf "http://%s.%s.svc:2112/metrics" (include "coder.name" (dict "root" . "component" "coderd")) .Release.Namespace }}
        format: prometheus
        valueLocation: {{ printf "coderd_provisioner_jobs_wanted{organization=%q,tags=%q}" $keda.organization $tags | squote }}
        targetValue: {{ .Values.provisionerd.slots | quote }}
{{- end -}}
{{- end -}}
