"""The people of a load test, one persona a file: what they do, at their own pace, with data of their own."""
