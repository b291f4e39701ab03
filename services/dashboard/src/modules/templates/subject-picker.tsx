import { useQuery } from "@tanstack/react-query";
import { useDeferredValue, useState } from "react";
import { templateAclAvailableQuery } from "../../api/templates.js";
import { Suggest } from "../ui/suggest.js";

/** A user or a group. */
export type Subject = {
  kind: "user" | "group";
  id: string;
  name: string;
  detail: string;
  avatar_url?: string | undefined;
};

/** Finds a user or a group of the template's organization. */
export function SubjectPicker(props: {
  template: string;
  /** Ids of those who have access; nobody is suggested until they are known. */
  exclude: ReadonlySet<string> | undefined;
  onChoose(subject: Subject): void;
}) {
  const { template, exclude, onChoose } = props;
  const [text, setText] = useState("");
  const found = useQuery(templateAclAvailableQuery(template, useDeferredValue(text.trim()))).data;
  const subjects: Subject[] = [
    ...(found?.groups ?? []).map(({ id, organization_id, display_name, name, total_member_count }) => ({
      kind: "group" as const,
      id,
      name: id === organization_id ? "Everyone" : display_name || name,
      detail: `Group, ${total_member_count} members`,
    })),
    ...(found?.users ?? []).map(({ id, username, email, avatar_url }) => ({
      kind: "user" as const,
      id,
      name: username,
      detail: email,
      avatar_url,
    })),
  ].filter(({ id }) => exclude && !exclude.has(id));
  return (
    <Suggest
      label="Add a user or group"
      text={text}
      onText={setText}
      options={subjects.map((subject) => ({
        value: subject.id,
        label: subject.name,
        description: subject.detail,
      }))}
      onChoose={(id) => {
        const subject = subjects.find((one) => one.id === id);
        if (subject) onChoose(subject);
        setText("");
      }}
    />
  );
}
