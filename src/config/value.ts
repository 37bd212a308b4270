/**
 * A value that has the right type but cannot be read. The message follows the name of the key, so it begins
 * with a verb ("is not …", "must be …") and ends with what to do.
 */
export class InvalidValue extends Error {
  static override readonly name = 'InvalidValue'
  override readonly name = 'InvalidValue'
}

/** Text as it is shown in a message: quoted, on one line, and never longer than a line. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 77)}...` : text)
}
