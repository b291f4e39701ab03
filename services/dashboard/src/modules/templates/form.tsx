import type { Template, UpdateTemplateRequest } from "@fleet/sdk";
import { useQueryClient } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useNavigate, useOutletContext } from "react-router";
import { client } from "../../api/client.js";
import { templatesKey } from "../../api/templates.js";
import { FormFailure, SubmitButton } from "../ui/form.js";
import type { FormState } from "../ui/form-context.js";
import { useToasts } from "../ui/toast.js";

/** The template whose page this is. */
export const useTemplate = () => useOutletContext<Template>();

/** Saves settings of a template, and follows it to its new name. */
export function useSaveTemplate(template: Template): (body: UpdateTemplateRequest) => Promise<void> {
  const queries = useQueryClient();
  const toasts = useToasts();
  const navigate = useNavigate();
  return async (body) => {
    const saved = await client.templateUpdate({ params: { template: template.id }, body });
    if (saved.name !== template.name) await navigate(`/templates/${saved.name}/settings`, { replace: true });
    queries.setQueryData(["template", saved.name], saved);
    await queries.invalidateQueries({ queryKey: templatesKey });
    toasts.done("Settings saved.");
  };
}

/** The end of a form that changes settings. */
export function SaveBar({ form, children = "Save" }: { form: FormState; children?: ReactNode }) {
  return (
    <>
      <FormFailure />
      <div>
        <SubmitButton form={form}>{children}</SubmitButton>
      </div>
    </>
  );
}
