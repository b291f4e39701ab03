/** A user's avatar, or the first letter of the name. */
export function Avatar({ name, url, size = 28 }: { name: string; url?: string | undefined; size?: number }) {
  const style = { width: size, height: size, fontSize: size * 0.42 };
  if (url)
    return <img src={url} alt="" style={style} className="shrink-0 rounded-full bg-sunken object-cover" />;
  return (
    <span
      aria-hidden
      style={style}
      className="flex shrink-0 items-center justify-center rounded-full bg-accent-soft font-semibold text-accent uppercase"
    >
      {name.slice(0, 1)}
    </span>
  );
}
