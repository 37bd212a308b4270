/** What can be done about a finding; the commands show it as it is. */
export interface AdviceWorld {
  readonly repair: boolean
  /** Whether a daemon runs, and so somebody can be asked. */
  readonly isOnline: boolean
}

/** A block that a tree of ours needs. */
export function blockAdvice({ repair, isOnline }: AdviceWorld): string {
  if (!repair)
    return isOnline
      ? 'heliport fsck --repair fetches it from connected peers; else push what it belongs to again'
      : 'start the daemon and run heliport fsck --repair, which fetches it from connected peers; else push what it belongs to again'
  return isOnline
    ? 'no connected peer has it: push what it belongs to again, connect a mirror and repeat this, or restore a backup'
    : 'without a daemon nobody can be asked: start it and repeat this; else push what it belongs to again, or restore a backup'
}

/** A block of which no tree of ours is known to need it. */
export function looseAdvice({ repair }: AdviceWorld, isAside: boolean): string {
  if (isAside)
    return 'it was set aside; if a mirror has it, it is fetched again when somebody asks for it'
  return repair
    ? 'no tree of this registry needs it: heliport gc takes it away, or fetches nothing of it again'
    : 'no tree of this registry needs it; heliport fsck --repair sets it aside, or fetches it again'
}

export const ADVICE = {
  /** Mended. */
  nothing: 'nothing: it is well again',
  directory:
    'push what is below it again, or go back to a commit without it (heliport log, heliport rollback)',
  link: 'push the image again, or delete what is linked',
  content:
    'delete it and push it again; what was pushed is never changed, so this is a defect or a disk that lies',
  manifest:
    'delete it, or push the image again with a client that writes manifests as the OCI has them',
  commit:
    'what the registry was then cannot be read any more; the newest state is another entry, unless the log says that it is read-only',
  newest:
    'the registry is read-only: run heliport fsck --repair in a daemon that is connected to a mirror with all of it; else restore the data directory from a backup, or go on from what is left with heliport fsck --repair --accept-loss',
  upload:
    'the client that comes back to it sends again what is missing; what it acknowledged as a blob is elsewhere',
  session:
    'no client can go on with it; it is dropped by itself when nobody has come back for seven days',
  claim: 'heliport fsck --repair removes it: it only saves proving a mirror’s content again',
  database: 'restore the data directory from a backup; what can still be read is served',
} as const
