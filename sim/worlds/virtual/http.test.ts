import { describeHttp } from './http.suite.ts'
import { createVirtualWorld } from './world.ts'

describeHttp('HTTP in the virtual world', async () => {
  const world = await createVirtualWorld({ seed: 'http', database: false })
  const server = world.runtime('server', 'server')
  const client = world.runtime('client', 'client')
  return {
    host: 'server',
    server,
    client,
    settle: async (promise) => (await world.run(promise)) as Awaited<typeof promise>,
    pass: (ms) => world.advance(ms),
    quiet: () => world.advance(10),
    killServer: () => server.kill()
  }
})
