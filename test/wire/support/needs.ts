import { missingForNamespaces } from '../../support/namespaces.ts'
import { findProgram } from '../../tools/find.ts'
import { hasNetem } from './netem.ts'

/** What is missing here for hosts on a wire, one line each with the way to get it; empty when nothing is. */
export async function missingNeeds(): Promise<string[]> {
  const missing = missingForNamespaces()
  if (missing.length > 0) return missing
  if ((await findProgram('tc')) === undefined) return ['tc: apt-get install iproute2']
  // Without netem the lines go through a process of ours, and the kernel must hand it whole packets.
  if (hasNetem() || (await findProgram('ethtool')) !== undefined) return []
  return ['ethtool, since this kernel has no netem: apt-get install ethtool']
}
