
course/reati-spia