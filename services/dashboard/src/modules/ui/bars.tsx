/** A day, and how many. */
export type Bar = { date: string; amount: number };

/** Bars by day, with their numbers in a table for those who cannot see them. */
export function DailyBars({ label, bars }: { label: string; bars: readonly Bar[] }) {
  const most = Math.max(1, ...bars.map(({ amount }) => amount));
  const named = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeZone: "UTC" });
  const nameOf = (date: string) => (Number.isNaN(Date.parse(date)) ? date : named.format(new Date(date)));
  return (
    <figure className="flex flex-col gap-2">
      <div aria-hidden className="flex h-40 items-end gap-px border-line border-b">
        {bars.map(({ date, amount }) => (
          <div
            key={date}
            title={`${nameOf(date)}: ${amount}`}
            className="flex h-full flex-1 items-end hover:bg-hover"
          >
            <div
              className="w-full rounded-t-xs bg-busy"
              style={{ height: `${(amount / most) * 100}%`, minHeight: amount > 0 ? 2 : 0 }}
            />
          </div>
        ))}
      </div>
      <div aria-hidden className="flex justify-between text-faint text-xs">
        <span>{bars[0] && nameOf(bars[0].date)}</span>
        <span>Most: {most}</span>
        <span>{bars.length > 1 && nameOf(bars.at(-1)!.date)}</span>
      </div>
      <table className="sr-only">
        <caption>{label}</caption>
        <tbody>
          {bars.map(({ date, amount }) => (
            <tr key={date}>
              <th scope="row">{nameOf(date)}</th>
              <td>{amount}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </figure>
  );
}
