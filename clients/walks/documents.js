// What relay-compiler reads; relay.js runs the artifacts that it makes. A page is fetched again from the group's node.
import { graphql } from 'react-relay';

graphql`
  query documentsWalkQuery($group: ID!, $first: Int, $last: Int) {
    scalingGroup(groupId: $group) {
      ...documents_activities @arguments(first: $first, last: $last)
    }
  }
`;

graphql`
  fragment documents_activities on ScalingGroup
  @refetchable(queryName: "documentsPageQuery")
  @argumentDefinitions(first: { type: "Int" }, after: { type: "String" }, last: { type: "Int" }, before: { type: "String" }) {
    activities(first: $first, after: $after, last: $last, before: $before) @connection(key: "documents_activities") {
      edges {
        cursor
        node {
          id
          logId
          startTime
          status
        }
      }
      pageInfo {
        hasNextPage
        hasPreviousPage
        startCursor
        endCursor
      }
    }
  }
`;
