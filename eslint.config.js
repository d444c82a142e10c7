import tseslint from 'typescript-eslint'

// The house's rules as lint rules. Each message says what to do instead.

const doorGlobals = [
  { name: 'setTimeout', message: 'Use runtime.clock (one door to the outside).' },
  { name: 'setInterval', message: 'Use runtime.clock (one door to the outside).' },
  { name: 'fetch', message: 'Use the http client of node/runtime (one door to the outside).' },
  { name: 'performance', message: 'Use runtime.clock.monotonicMs() (one door to the outside).' },
  { name: 'crypto', message: 'Use runtime.random, or the synchronous functions of node:crypto.' }
]

const doorProperties = [
  { object: 'Date', property: 'now', message: 'Use runtime.clock.nowMs().' },
  { object: 'Math', property: 'random', message: 'Use runtime.random.' },
  { object: 'process', property: 'env', message: 'Configuration enters through node/runtime.' },
  { object: 'globalThis', property: 'fetch', message: 'Use the http client of node/runtime.' },
  { object: 'crypto', property: 'subtle', message: 'Thread-pool crypto cannot be simulated.' }
]

const doorModules = [
  ...[
    'timers',
    'timers/promises',
    'net',
    'tls',
    'dns',
    'dns/promises',
    'fs',
    'fs/promises',
    'child_process',
    'worker_threads',
    'http',
    'https',
    'dgram'
  ].map((name) => ({
    name: `node:${name}`,
    message: 'Only node/runtime talks to the outside.',
    allowTypeImports: true
  })),
  { name: 'undici', message: 'Use the http client of node/runtime.', allowTypeImports: true },
  { name: 'ioredis', message: 'Use the cache of node/runtime.', allowTypeImports: true },
  { name: 'pg', message: 'Use the database of node/runtime.', allowTypeImports: true },
  {
    name: 'node:crypto',
    importNames: [
      'randomBytes',
      'randomUUID',
      'randomInt',
      'randomFillSync',
      'getRandomValues',
      'webcrypto',
      'subtle',
      'generateKeyPair',
      'pbkdf2',
      'scrypt'
    ],
    message: 'Randomness and thread-pool crypto enter through runtime.random.'
  }
]

const doorSyntax = [
  {
    selector: "NewExpression[callee.name='Date'][arguments.length=0]",
    message: 'Use new Date(runtime.clock.nowMs()).'
  },
  {
    selector: 'TemplateElement[value.raw=/\\b(now|clock_timestamp|gen_random_uuid)\\(\\)/i]',
    message: 'SQL gets time and ids as parameters.'
  },
  {
    selector: 'Literal[value=/\\b(now|clock_timestamp|gen_random_uuid)\\(\\)/i]',
    message: 'SQL gets time and ids as parameters.'
  }
]

const neverImportsSim = {
  group: ['**/sim/**', '**/scenarios/**', '**/fixtures/**'],
  message: 'node/ is what an operator deploys: it never imports the laboratory.'
}

// Whatever a stranger could do: the laboratory enters the node by its public entry points only.
const publicEntryPointsOnly = {
  regex:
    '/node/(?!((backend|auth|frontend|token-introspection|ledger|ilp|runtime)/index|backend/packet-switch)\\.ts$).+',
  message:
    'Import node/ only by node/{backend,auth,frontend,token-introspection,ledger,ilp,runtime}/index.ts or node/backend/packet-switch.ts.'
}

export default tseslint.config(
  {
    ignores: [
      'node_modules/',
      'node/frontend/build/',
      'coverage/',
      '.lab/',
      'reports/',
      '**/dist/',
      '**/*.js',
      '!eslint.config.js'
    ]
  },
  ...tseslint.configs.recommended,
  {
    languageOptions: { parserOptions: { projectService: { allowDefaultProject: ['eslint.config.js'] } } }
  },
  {
    files: ['**/*.ts', '**/*.tsx'],
    rules: {
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: false }],
      '@typescript-eslint/consistent-type-imports': 'error',
      'no-empty': ['error', { allowEmptyCatch: false }],
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-console': 'off'
    }
  },
  {
    files: ['node/**/*.ts', 'node/**/*.tsx'],
    rules: { 'no-restricted-imports': ['error', { patterns: [neverImportsSim] }] }
  },
  {
    files: ['node/**/*.ts'],
    ignores: [
      'node/runtime/**',
      'node/frontend/**',
      // The published package's own door, where it runs in the processes of others.
      'node/token-introspection/fetch-http-client.ts',
      '**/*.test.ts',
      '**/*.test-support.ts',
      '**/testing.ts'
    ],
    rules: {
      'no-restricted-globals': ['error', ...doorGlobals],
      'no-restricted-properties': ['error', ...doorProperties],
      'no-restricted-syntax': ['error', ...doorSyntax],
      '@typescript-eslint/no-restricted-imports': [
        'error',
        { paths: doorModules, patterns: [neverImportsSim] }
      ],
      'no-console': 'error'
    }
  },
  {
    files: ['sim/**/*.ts', 'scenarios/**/*.ts'],
    rules: { 'no-restricted-imports': ['error', { patterns: [publicEntryPointsOnly] }] }
  }
)
