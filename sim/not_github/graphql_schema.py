"""The part of GitHub's GraphQL schema that not-github answers, word for word as the published one has it."""

SCHEMA = """
type Query {
  repository(followRenames: Boolean = true, name: String!, owner: String!): Repository
}

type Mutation {
  resolveReviewThread(input: ResolveReviewThreadInput!): ResolveReviewThreadPayload
}

input ResolveReviewThreadInput {
  clientMutationId: String
  threadId: ID!
}

type ResolveReviewThreadPayload {
  clientMutationId: String
  thread: PullRequestReviewThread
}

type Repository {
  id: ID!
  nameWithOwner: String!
  pullRequest(number: Int!): PullRequest
}

type PullRequest {
  id: ID!
  number: Int!
  headRefOid: GitObjectID!
  isDraft: Boolean!
  locked: Boolean!
  reviewThreads(after: String, first: Int): PullRequestReviewThreadConnection!
}

type PullRequestReviewThreadConnection {
  nodes: [PullRequestReviewThread]
  pageInfo: PageInfo!
  totalCount: Int!
}

type PullRequestReviewThread {
  comments(after: String, first: Int): PullRequestReviewCommentConnection!
  diffSide: DiffSide!
  id: ID!
  isCollapsed: Boolean!
  isOutdated: Boolean!
  isResolved: Boolean!
  line: Int
  originalLine: Int
  originalStartLine: Int
  path: String!
  resolvedBy: User
  startDiffSide: DiffSide
  startLine: Int
  viewerCanReply: Boolean!
  viewerCanResolve: Boolean!
  viewerCanUnresolve: Boolean!
}

type PullRequestReviewCommentConnection {
  nodes: [PullRequestReviewComment]
  pageInfo: PageInfo!
  totalCount: Int!
}

type PullRequestReviewComment {
  author: Actor
  body: String!
  databaseId: Int
  fullDatabaseId: BigInt
  id: ID!
}

interface Actor {
  login: String!
}

type User implements Actor {
  id: ID!
  login: String!
}

type PageInfo {
  endCursor: String
  hasNextPage: Boolean!
  hasPreviousPage: Boolean!
  startCursor: String
}

enum DiffSide {
  LEFT
  RIGHT
}

scalar BigInt

scalar GitObjectID
"""
