import fc from 'fast-check'
import { blobStories, uploadStories } from './arbitrary-blobs.ts'
import { manifestStories } from './arbitrary-manifests.ts'
import { listings, others } from './arbitrary-lists.ts'
import type { Step } from './step.ts'

/** Stories of one sequence. */
const MAX_STORIES = 12

/** Random sequences: short stories of steps that mean something together, and single steps between them. */
export const sequences: fc.Arbitrary<Step[]> = fc
  .array(
    fc.oneof(
      { weight: 8, arbitrary: uploadStories },
      { weight: 3, arbitrary: blobStories },
      { weight: 8, arbitrary: manifestStories },
      { weight: 3, arbitrary: listings.map((step) => [step]) },
      { weight: 1, arbitrary: others.map((step) => [step]) },
    ),
    { minLength: 1, maxLength: MAX_STORIES },
  )
  .map((stories) => stories.flat())
