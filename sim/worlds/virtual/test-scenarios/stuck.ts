/** Waits for something that never happens. */
export default function stuck(): Promise<void> {
  return new Promise(() => undefined)
}
