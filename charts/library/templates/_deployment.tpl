{{/*
The Deployment of one component. Takes:
  root, component, values (the component's part of the values), image (its default name)
  env (YAML list), ports (map of name to number), grace (seconds)
  volumes, mounts (lists of the chart's own), serviceAccount (name; without it no token is mounted)
Health is asked of the port `metrics`.
*/}}
{{- define "library.deployment" -}}
{{- $v := .values -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "library.labels" . | nindent 4 }}
    {{- with $v.labels }}{{ toYaml . | nindent 4 }}{{ end }}
  {{- with $v.annotations }}
  annotations: {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- if not (or (dig "autoscaling" "enable" false $v) (dig "keda" "enable" false $v)) }}
  replicas: {{ $v.replicaCount }}
  {{- end }}
  {{- with $v.strategy }}
  strategy: {{- toYaml . | nindent 4 }}
  {{- end }}
  selector:
    matchLabels: {{- include "library.selector" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "library.labels" . | nindent 8 }}
        {{- with $v.podLabels }}{{ toYaml . | nindent 8 }}{{ end }}
      {{- with $v.podAnnotations }}
      annotations: {{- toYaml . | nindent 8 }}
      {{- end }}
    spec:
      {{- if .serviceAccount }}
      serviceAccountName: {{ .serviceAccount }}
      {{- else }}
      automountServiceAccountToken: false
      {{- end }}
      enableServiceLinks: false
      terminationGracePeriodSeconds: {{ .grace }}
      {{- with $v.podSecurityContext }}
      securityContext: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $v.image.pullSecrets }}
      imagePullSecrets: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $v.priorityClassName }}
      priorityClassName: {{ . }}
      {{- end }}
      affinity: {{- include "library.affinity" . | nindent 8 }}
      topologySpreadConstraints: {{- include "library.spread" . | nindent 8 }}
      {{- with $v.nodeSelector }}
      nodeSelector: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $v.tolerations }}
      tolerations: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $v.initContainers }}
      initContainers: {{- toYaml . | nindent 8 }}
      {{- end }}
      containers:
        - name: {{ .component }}
          image: {{ printf "%s:%s" $v.image.repo ($v.image.tag | default .root.Chart.AppVersion) | quote }}
          imagePullPolicy: {{ $v.image.pullPolicy }}
          {{- with $v.command }}
          command: {{- toYaml . | nindent 12 }}
          {{- end }}
          {{- with $v.commandArgs }}
          args: {{- toYaml . | nindent 12 }}
          {{- end }}
          env: {{- .env | nindent 12 }}
          {{- with $v.envFrom }}
          envFrom: {{- toYaml . | nindent 12 }}
          {{- end }}
          ports:
            {{- range $name, $port := .ports }}
            - name: {{ $name }}
              containerPort: {{ $port }}
            {{- end }}
          {{- with $v.securityContext }}
          securityContext: {{- toYaml . | nindent 12 }}
          {{- end }}
          {{- with $v.resources }}
          resources: {{- toYaml . | nindent 12 }}
          {{- end }}
          {{- with $v.lifecycle }}
          lifecycle: {{- toYaml . | nindent 12 }}
          {{- end }}
          # Two minutes to start: the first coderd pod of a version migrates the database before it listens.
          startupProbe:
            httpGet: {path: /healthz, port: metrics}
            periodSeconds: 2
            failureThreshold: 60
          readinessProbe:
            httpGet: {path: /readyz, port: metrics}
            periodSeconds: 5
            timeoutSeconds: 3
            failureThreshold: 2
          livenessProbe:
            httpGet: {path: /healthz, port: metrics}
            periodSeconds: 10
            timeoutSeconds: 5
            failureThreshold: 6
          volumeMounts: {{- include "library.mounts" . | nindent 12 }}
      volumes: {{- include "library.volumes" . | nindent 8 }}
{{- end -}}

{{/* Spreads replicas over nodes unless affinity is set. */}}
{{- define "library.affinity" -}}
{{- if .values.affinity -}}
{{- toYaml .values.affinity -}}
{{- else -}}
podAntiAffinity:
  preferredDuringSchedulingIgnoredDuringExecution:
    - weight: 1
      podAffinityTerm:
        topologyKey: kubernetes.io/hostname
        labelSelector:
          matchLabels: {{- include "library.selector" . | nindent 12 }}
{{- end -}}
{{- end -}}

{{- define "library.spread" -}}
{{- if .values.topologySpreadConstraints -}}
{{- toYaml .values.topologySpreadConstraints -}}
{{- else -}}
- maxSkew: 1
  topologyKey: topology.kubernetes.io/zone
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels: {{- include "library.selector" . | nindent 6 }}
{{- end -}}
{{- end -}}

{{/* The root file system is read-only, so /tmp is an in-memory volume. Certificates are mounted in one folder. */}}
{{- define "library.mounts" -}}
- name: tmp
  mountPath: /tmp
{{- range (dig "certs" "secrets" list .values) }}
- name: ca-{{ .name }}
  mountPath: /etc/ssl/certs/{{ .name }}.crt
  subPath: {{ .key }}
  readOnly: true
{{- end }}
{{- with (concat (.mounts | default list) (.values.volumeMounts | default list)) }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "library.volumes" -}}
- name: tmp
  emptyDir: {}
{{- range (dig "certs" "secrets" list .values) }}
- name: ca-{{ .name }}
  secret:
    secretName: {{ .name }}
{{- end }}
{{- with (concat (.volumes | default list) (.values.volumes | default list)) }}
{{ toYaml . }}
{{- end }}
{{- end -}}
