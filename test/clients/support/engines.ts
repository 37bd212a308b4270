import { missingBusybox } from '../../e2e/support/needs.ts'

/** Why an engine, or its images, cannot be had here; `undefined` when they can. */
export async function engineUnavailable(): Promise<string | undefined> {
  if (process.platform !== 'linux') return 'it takes Linux'
  if (process.getuid?.() !== 0) return 'it takes root: use sudo'
  const missing = await missingBusybox()
  return missing === undefined ? undefined : `it takes ${missing}`
}

/** Lines that are not empty. */
export function lines(text: string): string[] {
  return text.split('\n').filter((line) => line !== '')
}
