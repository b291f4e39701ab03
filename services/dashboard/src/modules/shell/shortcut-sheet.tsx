import { Dialog } from "../ui/dialog.js";
import { GO, KEYS } from "./shortcuts.js";

/** Every key of the app. */
export function ShortcutSheet({ onClose }: { onClose(): void }) {
  const rows = [
    ...KEYS,
    ...Object.entries(GO).map(([key, { label }]) => ({ keys: ["g", key], label: `Go to ${label}` })),
  ];
  return (
    <Dialog open onClose={onClose} title="Keyboard shortcuts">
      <dl className="flex flex-col divide-y divide-line">
        {rows.map(({ keys, label }) => (
          <div key={label} className="flex items-center justify-between gap-4 py-2">
            <dt>{label}</dt>
            <dd className="flex gap-1">
              {keys.map((key) => (
                <kbd
                  key={key}
                  className="min-w-6 rounded border border-line-strong px-1.5 text-center font-mono text-muted text-xs leading-5"
                >
                  {key}
                </kbd>
              ))}
            </dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
