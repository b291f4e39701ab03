import { useQuery } from "@tanstack/react-query";
import { useDeferredValue, useState } from "react";
import { usersQuery } from "../../api/users.js";
import { Suggest } from "../ui/suggest.js";

const MOST = 20;

/** Finds a user by name or email; with an organization, only its members. */
export function UserPicker(props: {
  label: string;
  organization?: string;
  /** Ids of those who are in already; nobody is suggested until they are known. */
  exclude: ReadonlySet<string> | undefined;
  onChoose(user: string): void;
}) {
  const { label, organization, exclude, onChoose } = props;
  const [text, setText] = useState("");
  const q = useDeferredValue(text.trim());
  const users = useQuery(usersQuery({ q, limit: MOST, offset: 0 })).data?.users ?? [];
  const found = users.filter(
    ({ id, organization_ids }) =>
      exclude && !exclude.has(id) && (organization === undefined || organization_ids.includes(organization)),
  );
  return (
    <Suggest
      label={label}
      text={text}
      onText={setText}
      options={found.map(({ id, username, email }) => ({ value: id, label: username, description: email }))}
      onChoose={(id) => {
        setText("");
        onChoose(id);
      }}
    />
  );
}
