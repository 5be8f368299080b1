import { useFormat } from "./use-format";

interface Quantity {
  value: number | null | undefined;
}

/** What stands where a number is not known. */
const UNKNOWN = "–";

function shown(value: number | null | undefined, text: (known: number) => string) {
  return <span className="sbs-number">{value === null || value === undefined ? UNKNOWN : text(value)}</span>;
}

export function Count({ value }: Quantity) {
  return shown(value, useFormat().count);
}

/** A size in bytes. */
export function Bytes({ value }: Quantity) {
  return shown(value, useFormat().bytes);
}

/** Bytes in a second. */
export function Rate({ value }: Quantity) {
  return shown(value, useFormat().rate);
}

/** A length of time in seconds. */
export function Duration({ value }: Quantity) {
  return shown(value, useFormat().duration);
}
