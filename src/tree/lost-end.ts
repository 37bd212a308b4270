/** What holds until somebody says how it is to go on, for messages. */
export const UNTIL =
  'An older one is served read-only, and nothing is published or collected. ' +
  'heliport fsck --repair brings the newest back where everything of it is here or at a mirror; else restore the ' +
  'data directory from a backup, or go on from the older one with heliport fsck --repair --accept-loss'

/** The journal should have more than it has. @param what the first or last thing that it lost, as far as that is known */
export function lostEnd(what: string): Error {
  return new Error(
    `the journal ends before ${what} of this registry: it is damaged, and the newest state is not known. ${UNTIL}`,
  )
}
