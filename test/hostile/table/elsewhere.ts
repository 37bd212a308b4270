import type { Row } from './row.ts'

/** Faults of the list that other specs are about, by their path. */
export const ELSEWHERE: readonly Row[] = [
  ['C13', 'records expire, keys are restored, two write', { in: 'naming/histories.spec.ts' }],
  ['C14', 'pushes while the name is published again', { in: 'naming/histories.spec.ts' }],
  ['C15', 'pushes without a network', { in: 'daemon/naming-away.spec.ts' }],
  ['C19', 'the line is cut in the middle of a pull', { in: 'wire/partition.e2e.ts' }],
  ['C20', 'the collector runs while a blob of a mirror is streamed', { in: 'interop/gc.spec.ts' }],
  ['C22', 'thousands of connections, and half handshakes', { in: 'faults/crowd.spec.ts' }],
  ['C23', 'floods of messages and subscriptions', { in: 'faults/crowd.spec.ts' }],
  ['C24', 'what nobody should say, at every door', { in: 'fuzz/peers.spec.ts' }],
  ['C26', 'a wrong swarm key, and none', { in: 'ipfs/private.spec.ts' }],
]
