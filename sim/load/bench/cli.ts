import { benchCommand } from './command.ts'
import { BENCHMARKS } from './benchmarks.ts'

// Ends even if something that was measured still holds a socket open.
process.exit(await benchCommand(process.argv.slice(2), BENCHMARKS))
