import { setTheme, type Theme, useTheme } from "../modules/theme/theme.js";
import { RadioCards } from "../modules/ui/choice.js";
import { Field } from "../modules/ui/field.js";
import { Page, PageHeader, useTitle } from "../modules/ui/page.js";

/** `/settings/appearance`. */
export function AppearanceSettingsPage() {
  useTitle("Appearance");
  return (
    <Page width="narrow">
      <PageHeader title="Appearance" />
      <Field label="Theme" group description="Applies to this browser.">
        <RadioCards
          label="Theme"
          value={useTheme()}
          options={[
            { value: "system", label: "System" },
            { value: "light", label: "Light" },
            { value: "dark", label: "Dark" },
          ]}
          onChange={(theme) => setTheme(theme as Theme)}
        />
      </Field>
    </Page>
  );
}
