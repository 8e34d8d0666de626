// Numbers, times and names as people read them.

/** A short time span: `4 s`, `2 min`, `3 h`, `5 d`. */
export function span(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} d`;
}

/** How long a step took: milliseconds below a second. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return ms < 60_000 ? `${(ms / 1000).toFixed(1)} s` : span(ms);
}

/** How long ago, in words. */
export function ago(at: number, now = Date.now()): string {
  return now - at < 45_000 ? "just now" : `${span(now - at)} ago`;
}

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });

/** A point in time: only the clock when it was today. */
export function time(at: number, now = Date.now()): string {
  const isToday = new Date(at).toDateString() === new Date(now).toDateString();
  return (isToday ? clock : day).format(at);
}

/** Money in millionths of a dollar; `null` for nothing. */
export function cost(microUsd: number): string | null {
  if (microUsd <= 0) return null;
  const usd = microUsd / 1_000_000;
  return usd < 0.01 ? "<$0.01" : `$${usd.toFixed(2)}`;
}

/** A count of tokens: `950`, `12k`, `1.4M`; `null` for nothing. */
export function tokens(count: number): string | null {
  if (count <= 0) return null;
  if (count < 1000) return `${count}`;
  return count < 1_000_000 ? `${(count / 1000).toFixed(count < 10_000 ? 1 : 0)}k` : `${(count / 1_000_000).toFixed(1)}M`;
}

/** `1 file`, `2 files`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

const calendar = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

/** A day: `21 Nov 2026`. */
export function date(at: number): string {
  return calendar.format(at);
}

/** Day and time to the second. */
export function moment(at: number): string {
  return exact.format(at);
}

/** How far ahead, in words. */
export function fromNow(at: number, now = Date.now()): string {
  return at - now < 45_000 ? "at once" : `in ${span(at - now)}`;
}

/** Names in a row: `Ana`, `Ana or Bruno`, `Ana, Bruno or Chiara`. */
export function either(names: readonly string[]): string {
  const last = names.at(-1) ?? "";
  return names.length < 2 ? last : `${names.slice(0, -1).join(", ")} or ${last}`;
}
