import type { Campaign } from './campaign/campaign.ts'

/** What can be run, by its name. */
export const KINDS: Readonly<Record<string, () => Promise<{ readonly campaign: Campaign }>>> = {
  kill: () => import('./campaign/kill.ts'),
  power: () => import('./campaign/power.ts'),
  io: () => import('./campaign/io.ts'),
  corrupt: () => import('./campaign/corrupt.ts'),
  'disk-full': () => import('./campaign/disk-full.ts'),
  descriptors: () => import('./campaign/descriptors.ts'),
  clock: () => import('./campaign/clock.ts'),
  soak: () => import('./campaign/soak.ts'),
}
