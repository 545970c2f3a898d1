// The schema must be one that Relay's clients can page through and that says what everything is.
import graphql from '@graphql-eslint/eslint-plugin';

const schema = 'graph/schema.graphqls';

export default [
  {
    files: [schema],
    plugins: { '@graphql-eslint': graphql },
    languageOptions: {
      parser: graphql.parser,
      parserOptions: { graphQLConfig: { schema } },
    },
    rules: {
      '@graphql-eslint/relay-arguments': ['error', { includeBoth: true }],
      '@graphql-eslint/relay-connection-types': 'error',
      '@graphql-eslint/relay-edge-types': ['error', { withEdgeSuffix: true, shouldImplementNode: false, listTypeCanWrapOnlyEdgeType: false }],
      '@graphql-eslint/relay-page-info': 'error',
      '@graphql-eslint/require-deprecation-reason': 'error',
      '@graphql-eslint/require-description': ['error', { types: true, FieldDefinition: true, EnumValueDefinition: true, InputValueDefinition: true }],
      '@graphql-eslint/strict-id-in-types': [
        'error',
        { acceptedIdNames: ['id'], acceptedIdTypes: ['ID'], exceptions: { suffixes: ['Connection', 'Edge', 'Info', 'Summary', 'Count', 'Change', 'Detail', 'Listener', 'Reason', 'Instance', 'Details', 'History', 'Available', 'Unavailable', 'Schedule', 'Action', 'Blocker', 'Insights', 'Bucket', 'Durations', 'Capacity', 'Point'], types: ['Tag', 'UnavailableGroup', 'UnavailablePolicy', 'ScalingFailureGroup'] } },
      ],
      '@graphql-eslint/unique-enum-value-names': 'error',
    },
  },
];
