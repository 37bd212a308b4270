import { COLD_PULL } from './cold-pull.ts'
import { PUSH_DURING_GC } from './gc.ts'
import { GROWTH } from './growth.ts'
import { LISTING_SCENARIOS } from './listings.ts'
import { MANIFESTS } from './manifests.ts'
import { CLIENT_PULLS } from './pull-clients.ts'
import { MIXED } from './mixed.ts'
import { PULLS } from './pull.ts'
import { PUSHES } from './push.ts'
import { START } from './start.ts'
import { ZB } from './zb.ts'
import type { Scenario } from '../scenario.ts'

/** In the order in which they run and are shown. */
export const SCENARIOS: readonly Scenario[] = [
  START,
  ...PUSHES,
  ...PULLS,
  ...CLIENT_PULLS,
  ...MANIFESTS,
  ...LISTING_SCENARIOS,
  COLD_PULL,
  PUSH_DURING_GC,
  GROWTH,
  MIXED,
  ZB,
]
