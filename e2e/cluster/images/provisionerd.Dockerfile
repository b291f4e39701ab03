# provisionerd, with a mirror of Terraform providers where terraform looks for one by itself.
ARG PROVISIONERD=localhost/coder/provisionerd:latest
FROM ${PROVISIONERD}
COPY . /usr/share/terraform/plugins/registry.terraform.io/
