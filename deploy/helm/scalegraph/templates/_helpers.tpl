{{- define "scalegraph.name" -}}
{{- if contains .Chart.Name .Release.Name -}}{{ .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else -}}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" }}{{- end -}}
{{- end }}

{{- define "scalegraph.selector" -}}
app.kubernetes.io/name: scalegraph
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "scalegraph.labels" -}}
{{ include "scalegraph.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end }}

{{- define "scalegraph.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- /* The settings that are files in the container, because the server reads a changed file again. */ -}}
{{- define "scalegraph.files" -}}AK SK SECURITY_TOKEN CLIENT_KEYS{{- end }}
