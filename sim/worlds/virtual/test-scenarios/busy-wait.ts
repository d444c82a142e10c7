/** Waits as a library might that knows no timers. */
export default async function busyWait(): Promise<void> {
  const end = Date.now() + 10
  while (Date.now() < end);
}
