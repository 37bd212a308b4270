import { containerdExamples } from './containerd.ts'
import { containersExamples } from './containers.ts'
import { dockerExamples } from './docker.ts'
import { goExamples } from './go-clients.ts'
import type { Examples } from './example.ts'

/** Every example of docs/clients.md, by client. */
export const EXAMPLES: readonly Examples[] = [
  dockerExamples,
  containerdExamples,
  ...containersExamples,
  ...goExamples,
]
